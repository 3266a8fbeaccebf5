"""The status page; the screens come later."""
