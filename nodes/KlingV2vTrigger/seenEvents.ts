import type { IDataObject } from 'n8n-workflow';
import { asArray } from '../shared/util/unknown';
import type { BoundedMap } from '../shared/util/boundedMap';

/** How many keys, of a fixed length each, n8n saves with the workflow. */
const STORED = 400;

/**
 * The events that have started an execution. The process remembers them exactly, also those of the
 * same instant. The workflow's static data outlives the process and is shared between processes, but
 * n8n saves it whole, and only after the execution has begun: of two processes at once the later wins.
 */
export class SeenEvents {
	/** A copy, as n8n watches every access to static data. */
	private readonly saved: unknown[];

	constructor(
		private readonly recent: BoundedMap<true>,
		private readonly stored: IDataObject,
	) {
		this.saved = [...asArray(stored.seen)];
	}

	has(key: string): boolean {
		return this.recent.get(key) === true || this.saved.includes(key);
	}

	/** @returns whether the event is new; from now on it is not */
	claim(key: string): boolean {
		if (this.has(key)) return false;
		this.recent.set(key, true);
		this.stored.seen = [...this.saved, key].slice(-STORED) as string[];
		return true;
	}

	/** The event started no execution. n8n does not save the static data then, either. */
	forget(key: string): void {
		this.recent.delete(key);
	}
}
