# Synthetic people, 128 x 64: rendered pairs with exact flow, visibility, part labels.
# tools/datasets/make_synthetic.py --out data/synthetic-128x64 writes them.
#
#   data/synthetic-128x64/
#     train/  test/                                                   images
#     synthetic-annotation-train.csv  synthetic-annotation-test.csv   joints
#     synthetic-pairs-train.csv  synthetic-pairs-test.csv             pairs
#     truth/train/  truth/test/                                       one .npz a pair
#
# Joints are integers, the centres of pixels; scaling='center' leaves them as they are.

data_root = 'data/synthetic-128x64'

train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='train',
        annotation_file='synthetic-annotation-train.csv',
        pair_file='synthetic-pairs-train.csv',
        image_size=(128, 64),
        annotation_size=(128, 64),
        scaling='center',
    ),
)

# Validation during training looks at the same 200 test pairs every time; the people of
# the test split are not in the train split.
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='test',
        annotation_file='synthetic-annotation-test.csv',
        pair_file='synthetic-pairs-test.csv',
        image_size=(128, 64),
        annotation_size=(128, 64),
        scaling='center',
        truth_dir='truth/test',
        max_pairs=200,
    ),
)

test_dataloader = dict(
    batch_size=8,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='test',
        annotation_file='synthetic-annotation-test.csv',
        pair_file='synthetic-pairs-test.csv',
        image_size=(128, 64),
        annotation_size=(128, 64),
        scaling='center',
        truth_dir='truth/test',
    ),
)
