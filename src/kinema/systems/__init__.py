"""The systems by name: which module joins the stages, and in one line what a user gets."""

SYSTEMS = {
    "first_order": "kinema.systems.first_order.system",
    "monkey_net": "kinema.systems.monkey_net.system",
    "co_part": "kinema.systems.co_part.system",
    "deformable_gan": "kinema.systems.deformable_gan.system",
    "smile": "kinema.systems.smile.system",
    "expression_gan": "kinema.systems.expression_gan.system",
    "playable": "kinema.systems.playable.system",
    "head": "kinema.systems.head.system",
}

# Systems whose geometry is measured: there is nothing to learn, and they have no presets.
UNTRAINED = ("head",)
