"""Lists the systems by name: the module that joins the stages, and one line for users."""

SYSTEMS = {
    "first_order": "kinema.systems.first_order.system",
    "monkey_net": "kinema.systems.monkey_net.system",
    "co_part": "kinema.systems.co_part.system",
    "deformable_gan": "kinema.systems.deformable_gan.system",
    "smile": "kinema.systems.smile.system",
    "expression_gan": "kinema.systems.expression_gan.system",
    "playable": "kinema.systems.playable.system",
}
