import { int, isLong, uint } from './boxes';

/** The effect of an edit list (`elst`) on a track, in seconds. */
export interface Shown {
	/** How much of the track is played; NaN where not known. */
	seconds: number;
	/** How long nothing of it is played, before and between. */
	pause: number;
	/** Where in the track the first part begins that is played, in ticks of the track's own clock. */
	startTicks: number;
}

/**
 * @param movieTimescale ticks per second of the movie's clock, which edit lists are written in
 * @param media seconds of the whole track
 */
export function readEditList(elst: Buffer, movieTimescale: number, media: number): Shown {
	const bytes = isLong(elst) ? 8 : 4;
	const length = 2 * bytes + 4;
	const entries = uint(elst, 4);
	let seconds = 0;
	let pause = 0;
	let startTicks = 0;
	for (let entry = 0; entry < entries && 8 + (entry + 1) * length <= elst.length; entry++) {
		const segment = uint(elst, 8 + entry * length, bytes) / movieTimescale;
		const start = int(elst, 8 + entry * length + bytes, bytes);
		if (start < 0) {
			pause += segment;
			continue;
		}
		if (seconds === 0) startTicks = start;
		// No length means all there is; more than there is cannot be shown.
		seconds += segment < media ? segment || media : media;
	}
	return {
		seconds: seconds > 0 ? seconds : media,
		pause: Number.isFinite(pause) ? pause : 0,
		startTicks,
	};
}
