/** Numbers from 0 up to 1, the same ones for the same seed: every run of a test sees the same. */
export function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 1664525 + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}
