// NOTE (delete this file): the SVD (svd(), TSQR, CholeskyQR2, its operation and lowering, and its tests) is being written
// by the lead in branch main, as ChunkedLinearAlgebra/SVD*.swift; dense linear algebra is in main too. Don't write the
// SVD; write matmul and everything else, and commit what compiles as soon as you can.
