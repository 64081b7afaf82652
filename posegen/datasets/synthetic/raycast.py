"""Ray casting with warp: what a pixel sees, how much light reaches it."""

import numpy as np

from posegen.datasets.synthetic.dependencies import require

wp = require('warp')


@wp.kernel
def _first_hit(
    mesh: wp.uint64,
    origin: wp.vec3,
    directions: wp.array(dtype=wp.vec3),
    faces: wp.array(dtype=wp.int32),
    distances: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    query = wp.mesh_query_ray(mesh, origin, directions[i], 1.0e6)
    faces[i] = -1
    distances[i] = 1.0e6
    if query.result:
        faces[i] = query.face
        distances[i] = query.t


@wp.kernel
def _openness(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    pattern: wp.array(dtype=wp.vec3),
    phases: wp.array(dtype=wp.int32),
    rays: int,
    reach: float,
    out: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    n = normals[i]
    helper = wp.vec3(1.0, 0.0, 0.0)
    if wp.abs(n[0]) > 0.8:
        helper = wp.vec3(0.0, 1.0, 0.0)
    t = wp.normalize(wp.cross(n, helper))
    b = wp.cross(n, t)
    start = points[i] + n * 0.004
    free = wp.float32(0.0)
    for k in range(rays):
        d = pattern[phases[i] * rays + k]
        ray = t * d[0] + b * d[1] + n * d[2]
        if not wp.mesh_query_ray_anyhit(mesh, start, ray, reach):
            free = free + 1.0
    out[i] = free / float(rays)


@wp.kernel
def _lit(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    lights: wp.array(dtype=wp.vec3),
    phases: wp.array(dtype=wp.int32),
    out: wp.array(dtype=wp.float32),
):
    i = wp.tid()
    light = lights[phases[i]]
    start = points[i] + normals[i] * 0.006
    out[i] = 1.0
    if wp.mesh_query_ray_anyhit(mesh, start, light, 3.0):
        out[i] = 0.0


class Caster:
    """Answers ray queries against one posed mesh, on the CPU.

    Args:
        points: (V, 3) posed positions.
        triangles: (F, 3) int32.
    """

    def __init__(self, points: np.ndarray, triangles: np.ndarray) -> None:
        self._points = _vectors(points)
        self._indices = wp.array(triangles.ravel(), dtype=wp.int32, device='cpu')
        self._mesh = wp.Mesh(self._points, self._indices)

    def first_hit(
        self, origin: np.ndarray, directions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The first face on each ray.

        Args:
            origin: (3,) where all rays start.
            directions: (N, 3) unit vectors.

        Returns:
            faces (N,) int32, -1 for none, and distances (N,) float32 in metres.
        """
        count = len(directions)
        faces = wp.empty(count, dtype=wp.int32, device='cpu')
        distances = wp.empty(count, dtype=wp.float32, device='cpu')
        _launch(
            _first_hit,
            count,
            [self._mesh.id, wp.vec3(*map(float, origin)), _vectors(directions)],
            [faces, distances],
        )
        return faces.numpy(), distances.numpy()

    def openness(
        self,
        points: np.ndarray,
        normals: np.ndarray,
        phases: np.ndarray,
        pattern: np.ndarray,
        reach: float,
    ) -> np.ndarray:
        """Share of the hemisphere over each point that nothing blocks within reach.

        Args:
            points, normals: (N, 3).
            phases: (N,) int, which of the pattern's sets of directions to use.
            pattern: (P, K, 3) directions about +z.
            reach: metres.

        Returns:
            (N,) float32 in [0, 1].
        """
        out = wp.empty(len(points), dtype=wp.float32, device='cpu')
        inputs = [self._mesh.id, _vectors(points), _vectors(normals)]
        inputs += [_vectors(pattern.reshape(-1, 3)), _integers(phases)]
        inputs += [pattern.shape[1], float(reach)]
        _launch(_openness, len(points), inputs, [out])
        return out.numpy()

    def lit(
        self,
        points: np.ndarray,
        normals: np.ndarray,
        phases: np.ndarray,
        lights: np.ndarray,
    ) -> np.ndarray:
        """1 where the way to light ``lights[phase]`` (a direction) is free, else 0."""
        out = wp.empty(len(points), dtype=wp.float32, device='cpu')
        inputs = [self._mesh.id, _vectors(points), _vectors(normals)]
        inputs += [_vectors(lights), _integers(phases)]
        _launch(_lit, len(points), inputs, [out])
        return out.numpy()


def _launch(kernel: object, count: int, inputs: list, outputs: list) -> None:
    if count:
        wp.launch(kernel, dim=count, inputs=inputs, outputs=outputs, device='cpu')


def _vectors(values: np.ndarray) -> wp.array:
    values = np.ascontiguousarray(values, dtype=np.float32)
    return wp.array(values, dtype=wp.vec3, device='cpu')


def _integers(values: np.ndarray) -> wp.array:
    values = np.ascontiguousarray(values, dtype=np.int32)
    return wp.array(values, dtype=wp.int32, device='cpu')
