void chdf5_placeholder(void);
