void copenblas_placeholder(void);
