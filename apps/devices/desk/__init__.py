"""The registry's desk in the admin: many devices at once, lists in and out, entries merged, agents updated in stages."""
