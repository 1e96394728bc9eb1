"""<%= project_title %>."""
