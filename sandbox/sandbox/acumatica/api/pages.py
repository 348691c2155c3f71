"""The pages that the server shows to people."""

PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body>{0}</body></html>"
