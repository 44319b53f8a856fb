"""What `doctor` looks at, a module for each thing that one depends on."""
