"""The systems by name: which module joins the stages, and which verbs of the command line its models serve."""

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
# Here and not in the systems' own modules: a shell that completes names of models cannot wait for torch.
ABILITIES = {
    "first_order": ("animate",),
    "monkey_net": ("animate", "predict"),
    "co_part": ("animate", "parts", "swap"),
    "deformable_gan": ("repose",),
    "smile": ("smile",),
    "expression_gan": ("smile",),
    "playable": ("play", "actions"),
    "head": ("animate", "face", "live"),
}
# Systems whose geometry is measured: there is nothing to learn, and they have no presets.
UNTRAINED = ("head",)
LEARNED = tuple(name for name in SYSTEMS if name not in UNTRAINED)
