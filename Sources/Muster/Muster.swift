@_exported public import MusterArrays
@_exported public import MusterRuntime
