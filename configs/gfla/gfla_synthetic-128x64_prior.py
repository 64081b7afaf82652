"""``gfla_synthetic-128x64.py`` on the prior of the limbs: does it help is one line."""

_base_ = ['./gfla_synthetic-128x64.py']

model = dict(generator=dict(flow=dict(prior='limbs')))
