# Market-1501, 128 x 64: street photos of a person from several cameras.
# tools/datasets/prepare_market1501.py --raw DIR --lists DIR --out data/market1501
# writes what follows from the folders as they unpack and your lists.
#
#   data/market1501/
#     bounding_box_train/  bounding_box_test/                 the images as they unpack
#     market-annotation-train.csv  market-annotation-test.csv joints
#     market-pairs-train.csv  market-pairs-test.csv           263,632 and 12,000 pairs
#
# Joints are annotated in the pixels of the images.

data_root = 'data/market1501'

train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='bounding_box_train',
        annotation_file='market-annotation-train.csv',
        pair_file='market-pairs-train.csv',
        image_size=(128, 64),
        annotation_size=(128, 64),
    ),
)

# Validation during training looks at the same 200 test pairs every time.
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='bounding_box_test',
        annotation_file='market-annotation-test.csv',
        pair_file='market-pairs-test.csv',
        image_size=(128, 64),
        annotation_size=(128, 64),
        max_pairs=200,
    ),
)

test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='bounding_box_test',
        annotation_file='market-annotation-test.csv',
        pair_file='market-pairs-test.csv',
        image_size=(128, 64),
        annotation_size=(128, 64),
    ),
)
