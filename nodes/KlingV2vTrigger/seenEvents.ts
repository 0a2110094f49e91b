import type { IDataObject } from 'n8n-workflow';
import { asArray } from '../shared/util/unknown';
import { BoundedMap } from '../shared/util/boundedMap';

/** How many keys, of a fixed length each, n8n saves with the workflow. */
const STORED = 400;

/** How many events a process remembers for a node. */
const REMEMBERED = 4_000;

/** The part of Node's response that tells what n8n has made of a call. */
export interface CallAnswer {
	readonly statusCode: number;
	/** n8n has answered, whether or not somebody was there to hear it. */
	readonly writableEnded: boolean;
	/** The connection is closed. */
	readonly destroyed: boolean;
}

/** Whether an event has started an execution. */
export type Sighting =
	| 'new'
	/** It has an execution, or its caller is still there and hears whether it has. */
	| 'known'
	/** Its caller has left, and n8n may yet fail to start an execution. */
	| 'open';

/** The events that a process has let start an execution. n8n's answer tells afterwards whether one began. */
export class RecentEvents {
	private readonly started = new BoundedMap<true>(REMEMBERED);

	/** Those that n8n has not answered yet: no more than there are calls in its hands. */
	private readonly starting = new Map<string, CallAnswer>();

	look(key: string): Sighting {
		this.settle();
		if (this.started.get(key)) return 'known';
		const answer = this.starting.get(key);
		if (!answer) return 'new';
		return answer.destroyed ? 'open' : 'known';
	}

	add(key: string, answer: CallAnswer): void {
		this.starting.set(key, answer);
	}

	/** Takes down what has become of the calls that n8n has answered; no event tells of it where the caller has left. */
	settle(): void {
		for (const [key, { writableEnded, statusCode }] of this.starting) {
			if (!writableEnded) continue;
			this.starting.delete(key);
			if (statusCode < 400) this.started.set(key, true);
		}
	}
}

/**
 * The events that have started an execution. The process remembers them exactly, also those of the
 * same instant. The workflow's static data outlives the process and is shared between processes, but
 * n8n saves it whole, and only after the execution has begun: of two processes at once the later wins.
 */
export class SeenEvents {
	/** A copy, as n8n watches every access to static data. */
	private readonly saved: unknown[];

	constructor(
		private readonly recent: RecentEvents,
		private readonly stored: IDataObject,
	) {
		this.saved = [...asArray(stored.seen)];
	}

	look(key: string): Sighting {
		return this.saved.includes(key) ? 'known' : this.recent.look(key);
	}

	/** A new event starts an execution. n8n saves the static data only if one begins. */
	claim(key: string, answer: CallAnswer): void {
		this.recent.add(key, answer);
		this.stored.seen = [...this.saved, key].slice(-STORED) as string[];
	}

	/** Lets go of the answers that are over. */
	settle(): void {
		this.recent.settle();
	}
}
