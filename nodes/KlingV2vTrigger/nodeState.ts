import type { IWebhookFunctions } from 'n8n-workflow';
import { BoundedMap } from '../shared/util/boundedMap';
import { RecentEvents, SeenEvents } from './seenEvents';
import { TaskVerifier } from './verifyTask';

/** A reading of the secret that takes longer, in milliseconds, may never end: later calls start anew. */
const SHARED_READING_MS = 2_000;

/** The same warning is logged at most this often, in milliseconds: callers are untrusted. */
const LOG_INTERVAL_MS = 5 * 60_000;

/** The memory of this process for one trigger node, from one callback to the next. */
export class NodeState {
	readonly verifier = new TaskVerifier();

	readonly seen = new RecentEvents();

	/** When each warning was logged, in milliseconds since 1970. */
	private readonly logged = new BoundedMap<number>(20);

	private secret?: { reading: Promise<string>; since: number };

	/** Callbacks of the same moment share one reading: in n8n it costs more than all the rest. */
	async readSecret(read: () => Promise<string>): Promise<string> {
		const now = Date.now();
		if (this.secret && now - this.secret.since < SHARED_READING_MS) {
			return await this.secret.reading;
		}
		const secret = { reading: read(), since: now };
		this.secret = secret;
		try {
			return await secret.reading;
		} finally {
			if (this.secret === secret) this.secret = undefined;
		}
	}

	/** @returns whether the warning was not logged lately; from now on it was */
	shouldLog(warning: string): boolean {
		const now = Date.now();
		if (now - (this.logged.get(warning) ?? -Infinity) < LOG_INTERVAL_MS) return false;
		this.logged.set(warning, now);
		return true;
	}
}

const states = new BoundedMap<NodeState>(1_000);

/** While the editor listens, a node has a state of its own, but the same limits for its callers. */
export function nodeStateOf(context: IWebhookFunctions): NodeState {
	const key = [context.getWorkflow().id, context.getNode().id, isTest(context)].join(' ');
	const state = states.get(key) ?? new NodeState();
	states.set(key, state);
	return state;
}

/** While the editor listens, nothing is remembered: the same callback may be tried again and again. */
export function seenEventsOf(context: IWebhookFunctions, { seen }: NodeState): SeenEvents {
	return isTest(context)
		? new SeenEvents(new RecentEvents(), {})
		: new SeenEvents(seen, context.getWorkflowStaticData('node'));
}

function isTest(context: IWebhookFunctions): boolean {
	return context.getMode() === 'manual';
}
