import type { SampleSizes, SampleTables } from './movieIndex';
import { damaged } from './unfit';

/** Samples that lie one behind the other in the file. */
export interface Placed {
	offset: number;
	/** Bytes of each. */
	size: number;
	count: number;
	description: number;
}

/** Sound in packets of old QuickTime, whose sizes its lists do not say. */
export interface SoundUnit {
	samples: number;
	bytes: number;
}

/** A walk through the places of a track's samples. */
export class SamplePlaces {
	private run = { entry: 0, endChunk: 0, perChunk: 0, description: 1 };

	private chunk = 0;

	private inChunk = 0;

	private sample = 0;

	private offset = 0;

	constructor(
		private readonly tables: SampleTables,
		private readonly unit?: SoundUnit,
	) {}

	/** Goes to a sample. */
	async seek(sample: number): Promise<void> {
		let first = 0;
		await this.enter(0);
		while (first + this.samplesOfRun() <= sample) {
			first += this.samplesOfRun();
			this.chunk = this.run.endChunk;
			await this.enter(this.run.entry + 1);
		}
		this.chunk += Math.floor((sample - first) / this.run.perChunk);
		this.inChunk = (sample - first) % this.run.perChunk;
		this.sample = sample - this.inChunk;
		await this.toChunk();
		this.offset += await this.bytesBefore(sample);
		this.sample = sample;
	}

	/** @param limit no more samples than this */
	async next(limit: number): Promise<Placed> {
		if (this.inChunk >= this.run.perChunk) await this.toNextChunk();
		const size = await this.sizeAt(this.sample);
		const isAlike = this.tables.sizes.constant > 0;
		const count = isAlike ? Math.min(limit, this.run.perChunk - this.inChunk) : 1;
		const { description } = this.run;
		const placed = { offset: Math.round(this.offset), size, count, description };
		this.offset += size * count;
		this.sample += count;
		this.inChunk += count;
		return placed;
	}

	private samplesOfRun(): number {
		return (this.run.endChunk - this.chunk) * this.run.perChunk;
	}

	/** Takes an entry of the list that says how many samples each chunk has. */
	private async enter(entry: number): Promise<void> {
		const { chunkRuns, chunkOffsets } = this.tables;
		await chunkRuns.load(entry);
		const perChunk = chunkRuns.uint(entry, 4);
		const description = chunkRuns.uint(entry, 8);
		let endChunk = chunkOffsets.count;
		if (entry + 1 < chunkRuns.count) {
			await chunkRuns.load(entry + 1);
			endChunk = chunkRuns.uint(entry + 1) - 1;
		}
		if (perChunk === 0 || endChunk < this.chunk)
			throw damaged('its list of chunks is not in order');
		this.run = { entry, endChunk, perChunk, description };
	}

	private async toNextChunk(): Promise<void> {
		this.chunk++;
		this.inChunk = 0;
		while (this.chunk >= this.run.endChunk) await this.enter(this.run.entry + 1);
		await this.toChunk();
	}

	private async toChunk(): Promise<void> {
		const { chunkOffsets, offsetBytes } = this.tables;
		await chunkOffsets.load(this.chunk);
		this.offset = chunkOffsets.uint(this.chunk, 0, offsetBytes);
	}

	/** Bytes of the chunk's samples that come before one. */
	private async bytesBefore(sample: number): Promise<number> {
		if (this.tables.sizes.constant > 0) {
			return (sample - this.sample) * (await this.sizeAt(sample));
		}
		let bytes = 0;
		for (let each = this.sample; each < sample; each++) bytes += await this.sizeAt(each);
		return bytes;
	}

	private async sizeAt(sample: number): Promise<number> {
		const { sizes } = this.tables;
		if (!(sample < sizes.count)) throw damaged('its list of sizes is too short');
		if (sizes.constant > 0) return this.unit ? this.unit.bytes / this.unit.samples : sizes.constant;
		return await listedSize(sizes, sample);
	}
}

async function listedSize({ list, bits }: SampleSizes, sample: number): Promise<number> {
	if (!list) throw damaged('it has no list of sizes');
	const entry = bits === 4 ? sample >>> 1 : sample;
	await list.load(entry);
	if (bits === 32) return list.uint(entry);
	if (bits === 16) return list.byte(entry) * 256 + list.byte(entry, 1);
	const byte = list.byte(entry);
	if (bits === 8) return byte;
	return sample % 2 === 0 ? byte >>> 4 : byte & 15;
}
