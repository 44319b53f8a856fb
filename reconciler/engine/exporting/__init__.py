"""From servers into new files: manifests of what there is, and a repository around them."""
