"""What is unique in a model's table."""


def unique_names(opts):
    """The names of fields that are unique, one or together, without a constraint's name."""
    single = [(f.name,) for f in opts.concrete_fields if f.unique and not f.primary_key]
    return [*single, *opts.unique_together]
