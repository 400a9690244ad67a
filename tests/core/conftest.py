from hypothesis import settings

settings.register_profile("laws", max_examples=1_000, deadline=None, print_blob=True, derandomize=True, database=None)
settings.load_profile("laws")
