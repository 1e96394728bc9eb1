"""<%= project_name %>."""
