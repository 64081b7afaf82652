# DeepFashion In-shop, 256 x 256: studio photos of an outfit from several sides.
# tools/datasets/prepare_deepfashion.py --raw DIR --lists DIR --out data/deepfashion
# writes what follows from your raw tree and your lists (docs/prepare_data.md).
#
#   data/deepfashion/
#     train/  test/                                           48,674 and 4,038 images
#     fasion-annotation-train.csv  fasion-annotation-test.csv joints
#     fasion-pairs-train.csv  fasion-pairs-test.csv           101,966 and 8,570 pairs
#
# 'fasion' is how the published files are spelt. The script writes joints in the pixels
# of the 256 x 256 images, whatever frame your file has. The published files lie on the
# canvas of the square low-resolution pictures, or on its 176 wide crop: for files and
# images of that crop that you use as they are, set annotation_size=(256, 176).

data_root = 'data/deepfashion'

train_dataloader = dict(
    batch_size=6,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='train',
        annotation_file='fasion-annotation-train.csv',
        pair_file='fasion-pairs-train.csv',
        image_size=(256, 256),
        annotation_size=(256, 256),
        scaling='gfla',
    ),
)

# Validation during training looks at the same 200 test pairs every time.
val_dataloader = dict(
    batch_size=6,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='test',
        annotation_file='fasion-annotation-test.csv',
        pair_file='fasion-pairs-test.csv',
        image_size=(256, 256),
        annotation_size=(256, 256),
        scaling='gfla',
        max_pairs=200,
    ),
)

test_dataloader = dict(
    batch_size=6,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='PosePairDataset',
        image_dir='test',
        annotation_file='fasion-annotation-test.csv',
        pair_file='fasion-pairs-test.csv',
        image_size=(256, 256),
        annotation_size=(256, 256),
        scaling='gfla',
    ),
)
