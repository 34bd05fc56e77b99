"""What runs inside the pods of ascend-stacks: preflight, launch, proof of success, dataset preparation."""
