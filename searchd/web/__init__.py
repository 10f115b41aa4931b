"""The search page, the documentation page, the widget and the demonstration of the widget."""
