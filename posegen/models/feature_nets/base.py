"""What the frozen feature nets share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, nn


class FeatureNet(nn.Module):
    """A frozen net that gives its activations by name, as deep as they are asked for.

    A subclass fills :attr:`levels`, gives :meth:`activations`, and calls
    :meth:`freeze` at the end of its construction. After that the net

    * has no parameters, only buffers: it can't be trained or unfrozen by accident, and
      ``parameters()`` of the model that holds it lists what is learnt and nothing else;
    * has no entry in a ``state_dict``, its own or that of the model that holds it, so
      checkpoints stay small and load strictly without it;
    * moves with ``.to(device)`` and stays in evaluation mode.

    Attributes:
        levels: Layer -> level L of its map (1/2^L of the image), in order of depth.
        offsets: Layer -> how far, in pixels of the image, the centers of its receptive
            fields lie to the right of and below the centers of its positions (position
            i of a row covers the pixels i * 2^L to (i + 1) * 2^L - 1). A layer that is
            not named has none.
    """

    levels: dict[str, int]
    offsets: Mapping[str, float] = {}

    def activations(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield (layer, activation) in order of depth, computing as it goes."""
        raise NotImplementedError

    def forward(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Activations of the layers asked for, in one pass that ends at the deepest.

        Args:
            images: (B, 3, H, W) in [-1, 1].
            layers: Names out of :attr:`levels`, in any order.

        Returns:
            Layer -> (B, C, h, w), in the order asked for.

        Raises:
            ValueError: A layer is unknown, or ``images`` are not a float batch.
            TypeError: ``layers`` is a plain string.
        """
        _check_images(images)
        self._check_layers(layers)
        missing = set(layers)
        found = {}
        if missing:
            for name, value in self.activations(images):
                if name in missing:
                    found[name] = value
                    missing.remove(name)
                if not missing:
                    break
        return {layer: found[layer] for layer in layers}

    def freeze(self) -> None:
        """Turn everything that is learnt or counted into buffers that are not saved."""
        for module in self.modules():
            for name, tensor in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, tensor.detach(), persistent=False)
            for name, tensor in list(module.named_buffers(recurse=False)):
                module.register_buffer(name, tensor, persistent=False)
        self.eval()

    def train(self, mode: bool = True) -> FeatureNet:
        """Stay in evaluation mode, whatever the model around switches to."""
        return super().train(False)

    def _check_layers(self, layers: Sequence[str]) -> None:
        if isinstance(layers, str):
            raise TypeError(f'layers must be a list of names, got the text {layers!r}')
        unknown = sorted(set(layers) - self.levels.keys())
        if unknown:
            raise ValueError(
                f'{type(self).__name__} has no layers {unknown}; it has '
                f'{", ".join(self.levels)}'
            )


def _check_images(images: Tensor) -> None:
    if images.dim() != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ValueError(
            'images must be (B, 3, H, W) floats in [-1, 1], got '
            f'{images.dtype} of shape {tuple(images.shape)}'
        )
