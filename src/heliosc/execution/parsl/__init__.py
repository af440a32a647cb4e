"""Tasks on any scheduler that Parsl knows, through its HighThroughputExecutor.

Parsl carries tasks and nothing else: what is done, tried again or cancelled stands in the store. Its checkpoints,
memoisation, retries and DataFlowKernel are not used.
"""
