void cmpi_placeholder(void);
