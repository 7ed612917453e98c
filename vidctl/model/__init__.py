"""What vidctl talks about: frozen records, one file per noun, no input or output.

Rows are frozen dataclasses (a listing makes thousands and none needs checking again);
``properties`` is where people's input lands, so each type's properties have a pydantic model.
"""
