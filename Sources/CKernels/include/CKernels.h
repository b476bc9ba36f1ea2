void ckernels_placeholder(void);
