"""From servers into the manifests: what documents declare becomes what there is."""
