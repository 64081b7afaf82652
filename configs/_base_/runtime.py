"""What every experiment has in common: logs, checkpoints, seed, environment."""

default_scope = 'posegen'

# Each stage states max_iters and val_interval.
train_cfg = dict(by_epoch=False)
val_cfg = dict()
test_cfg = dict()

# The runner adds to these: checkpoints that load without running code, a stop at the
# first loss that is not finite, and the record of the stage (see docs: conventions).
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    # The newest two stay, so that one cut short by a crash leaves the one before.
    checkpoint=dict(
        type='CheckpointHook', interval=1000, by_epoch=False, max_keep_ckpts=2
    ),
    sample_grid=dict(type='SampleGridHook', interval=1000),
)
log_processor = dict(type='LogProcessor', by_epoch=False, window_size=50)

# What a run may add (docs/speed.md, docs/resume.md):
#   train_cfg = dict(accumulate=4)   an iteration takes four batches, as one large batch
#   custom_hooks = [dict(type='GeneratorEMAHook', decay=0.999)]   averaged weights
#   compile = dict(networks=('generator', 'discriminators'))      torch.compile
#   --amp [bf16|fp16] on the command line                         mixed precision

# TensorBoard as well (pip install tensorboard): add dict(type='TensorboardVisBackend').
# Weights & Biases (pip install wandb): add dict(type='WandbVisBackend').
visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])

# cudnn_benchmark picks the fastest convolutions for a fixed size, at the price of
# results that differ in the last digits from run to run on a GPU.
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
randomness = dict(seed=0)
