import type { IDataObject } from 'n8n-workflow';
import { asArray } from '../shared/util/unknown';
import type { BoundedMap } from '../shared/util/boundedMap';

/** So many keys, of a fixed length each, are saved with the workflow. */
const STORED = 400;

/**
 * Which news have started an execution. The process remembers exactly, also of callbacks in the same
 * instant. The workflow's static data outlives the process and is shared between processes, but n8n
 * saves it whole, and only after the execution has begun: of two processes at once the later wins.
 */
export class Replays {
	/** A copy: n8n watches every access to static data. */
	private readonly saved: unknown[];

	constructor(
		private readonly recent: BoundedMap<true>,
		private readonly stored: IDataObject,
	) {
		this.saved = [...asArray(stored.seen)];
	}

	has(keys: string[]): boolean {
		return keys.some((key) => this.recent.get(key) === true || this.saved.includes(key));
	}

	/** @returns whether they are new, and now taken */
	claim(keys: string[]): boolean {
		if (this.has(keys)) return false;
		for (const key of keys) this.recent.set(key, true);
		this.stored.seen = [...this.saved, ...keys].slice(-STORED) as string[];
		return true;
	}

	/** No execution came of it; what n8n does not start, it does not save either. */
	forget(keys: string[]): void {
		for (const key of keys) this.recent.delete(key);
	}
}
