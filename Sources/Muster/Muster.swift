@_exported public import MusterArrays
@_exported public import MusterBatch
@_exported public import MusterRuntime
