import { fourLetters, uint } from '../../../shared/media/boxes';
import type { TrackIndex } from './movieIndex';
import type { Piece, Range } from './piece';
import { MOST_PIECES, REORDERED, tooMany } from './piece';
import type { SoundUnit } from './samplePlaces';
import { SamplePlaces } from './samplePlaces';
import type { TimeRun } from './sampleTimes';
import { SampleTimes } from './sampleTimes';
import { SyncSamples } from './syncSamples';

/**
 * Lists samples of a track by the tables in its `trak` box.
 * @param range ticks: from the last sync sample shown before it, on to the first samples after it
 */
export async function listFromTables(track: TrackIndex, range: Range): Promise<Piece[]> {
	const { tables } = track;
	const sync = new SyncSamples(tables);
	const unit = soundUnit(track);
	const from = unit ? Math.floor(range.from / unit.samples) * unit.samples : range.from;
	const times = await findStart(new SampleTimes(tables), sync, from);
	const pieces: Piece[] = [];
	const places = new SamplePlaces(tables, unit);
	const canBeLong = track.handler === 'soun' && sync.areAll;
	let nextSync = await sync.next(times.sample);
	let after = 0;
	for (let run = await times.next(); run; run = await times.next()) {
		if (run.time >= range.to && after++ >= (tables.shifts ? REORDERED : 1)) break;
		if (pieces.length === 0) await places.seek(run.sample);
		if (pieces.length >= MOST_PIECES) throw tooMany();
		if (nextSync < run.sample) nextSync = await sync.next(run.sample);
		const limit = canBeLong ? untilEnd(run, range.to) : 1;
		const placed = await places.next(limit);
		const { time, duration, shift } = run;
		pieces.push({ ...placed, time, duration, shift, isSync: nextSync === run.sample });
		times.skip(placed.count, run);
	}
	return pieces;
}

/** So many samples of a run are at most of use. */
function untilEnd({ time, duration, count }: TimeRun, to: number): number {
	return duration > 0 ? Math.max(1, Math.min(count, Math.ceil((to - time) / duration))) : count;
}

/** @returns ticks of all samples that the tables list */
export async function listedTicks({ tables }: TrackIndex): Promise<number> {
	const times = new SampleTimes(tables);
	for (let run = await times.next(); run; run = await times.next()) times.skip(run.count, run);
	return times.time;
}

/** @returns a walk at the last sync sample that is shown at a tick or before, or at the first sample */
async function findStart(
	times: SampleTimes,
	sync: SyncSamples,
	from: number,
): Promise<SampleTimes> {
	let start = times.copy();
	let nextSync = 0;
	let after = 0;
	for (let run = await times.next(); run; run = await times.next()) {
		if (run.time > from && after++ > REORDERED) break;
		if (nextSync < run.sample) nextSync = await sync.next(run.sample);
		if (nextSync < run.sample + run.count) {
			const last = sync.areAll ? lastBy(run, from) : nextSync;
			if (last >= run.sample && run.time + (last - run.sample) * run.duration + run.shift <= from) {
				times.skip(last - run.sample, run);
				start = times.copy();
				if (!sync.areAll) nextSync = await sync.next(last + 1);
				if (!sync.areAll && nextSync < run.sample + run.count) continue;
			} else nextSync = await sync.next(nextSync + 1);
		}
		times.skip(run.sample + run.count - times.sample, run);
	}
	return start;
}

/** @returns the last sample of a run that is shown at a tick or before */
function lastBy({ sample, count, time, duration, shift }: TimeRun, from: number): number {
	if (duration <= 0) return sample + count - 1;
	return sample + Math.min(count - 1, Math.floor((from - time - shift) / duration));
}

const PLAIN = new Set(['raw ', 'NONE', 'twos', 'sowt']);

/** Old QuickTime writes 1 as the size of a sample of sound, and its real size elsewhere. */
export function soundUnit({ handler, stsd, tables }: TrackIndex): SoundUnit | undefined {
	if (handler !== 'soun' || tables.sizes.constant !== 1 || stsd.length < 44) return undefined;
	const version = stsd.readUInt16BE(24);
	if (version === 1) {
		const unit = { samples: uint(stsd, 44), bytes: uint(stsd, 52) };
		return unit.samples > 0 && unit.bytes > 0 ? unit : undefined;
	}
	if (version !== 0 || !PLAIN.has(fourLetters(stsd, 12))) return undefined;
	const bytes = stsd.readUInt16BE(32) * Math.ceil(stsd.readUInt16BE(34) / 8);
	return bytes > 0 ? { samples: 1, bytes } : undefined;
}
