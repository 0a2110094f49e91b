import type { IExecuteFunctions } from 'n8n-workflow';
import type { Clock } from '../../shared/n8n/clock';
import { timing } from '../../shared/timing';
import { asArray } from '../../shared/util/unknown';
import type { Clip } from '../request/itemRequest';

/** A file that a provider can have by a link, and until when that is counted on. Plain data. */
interface Handed {
	execution: string;
	/** Which run of the node, as in a loop. */
	run: number;
	/** The same for the same file within a run. */
	key: string;
	url: string;
	/** Of a part of a video, which part it is. */
	clip?: Clip;
	/** Milliseconds since 1970. */
	until: number;
}

const KEY = 'klingHandedOver';

/**
 * The files of a run that were handed over. It is kept in n8n's node context, so that no further
 * turn, and no try of Retry On Fail, hands the same file over again.
 */
export class HandedOver {
	private readonly context: Record<string, unknown>;

	private readonly execution: string;

	constructor(
		host: IExecuteFunctions,
		private readonly run: number,
		private readonly clock: Clock,
	) {
		this.context = host.getContext('node');
		this.execution = host.getExecutionId();
	}

	/** @returns a file that was handed over, as long as its link can be counted on */
	find(key: string): Handed | undefined {
		const now = this.clock.now();
		return this.kept.find((file) => file.key === key && file.until > now);
	}

	add(key: string, url: string, clip?: Clip): void {
		const { execution, run } = this;
		const until = this.clock.now() + timing.upload.linkUse;
		const file: Handed = { execution, run, key, url, until, ...(clip ? { clip } : {}) };
		this.context[KEY] = [...this.kept, file];
	}

	/** The run has come to its end. */
	clear(): void {
		delete this.context[KEY];
	}

	/** Another run may have had other files by the same name, and so may an execution that this one retries. */
	private get kept(): Handed[] {
		const all = asArray(this.context[KEY]) as Handed[];
		return all.filter(({ execution, run }) => execution === this.execution && run === this.run);
	}
}
