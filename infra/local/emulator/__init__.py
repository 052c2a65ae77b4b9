"""The emulator as the project starts it: ministack in this process, its gaps filled."""
