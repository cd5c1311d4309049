"""Pictures of the pages as plain numbers: where a template puts its SVG elements. Pure."""
