# Synthetic people of varied looks, 256 x 192: rendered pairs with exact flow,
# visibility and part labels, in rooms, streets and studios, with joints as a pose
# estimator gives them.
# tools/datasets/make_synthetic.py --out data/synthetic-256x192_varied --size 256x192 \
#     --look varied --train-people 1000
# writes them; the files are laid out as those of synthetic-128x64.py.

data_root = 'data/synthetic-256x192_varied'

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='train',
        annotation_file='synthetic-annotation-train.csv',
        pair_file='synthetic-pairs-train.csv',
        image_size=(256, 192),
        annotation_size=(256, 192),
        scaling='center',
        truth_dir='truth/train',
    ),
)

# Validation during training looks at the same 100 test pairs every time; the people of
# the test split are not in the train split.
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='test',
        annotation_file='synthetic-annotation-test.csv',
        pair_file='synthetic-pairs-test.csv',
        image_size=(256, 192),
        annotation_size=(256, 192),
        scaling='center',
        truth_dir='truth/test',
        max_pairs=100,
    ),
)

test_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='test',
        annotation_file='synthetic-annotation-test.csv',
        pair_file='synthetic-pairs-test.csv',
        image_size=(256, 192),
        annotation_size=(256, 192),
        scaling='center',
        truth_dir='truth/test',
    ),
)
