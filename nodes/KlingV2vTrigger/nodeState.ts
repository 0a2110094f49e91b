import type { IWebhookFunctions } from 'n8n-workflow';
import { BoundedMap } from '../shared/util/boundedMap';
import { Checker } from './verifyTask';
import { Replays } from './seenEvents';

/** What a node remembers from one callback to the next. */
export interface Memory {
	checker: Checker;
	replays: Replays;
	/** Callbacks of the same moment share one reading of the secret: it costs n8n more than all the rest. */
	readSecret(read: () => Promise<string>): Promise<string>;
	/** @returns whether the log does not say it already */
	isUnsaid(message: string): boolean;
}

/** What this process holds of one node. */
class Held {
	readonly checker = new Checker();

	readonly seen = new BoundedMap<true>(4_000);

	readonly said = new BoundedMap<number>(20);

	secret?: { reading: Promise<string>; since: number };
}

const nodes = new BoundedMap<Held>(1_000);

/** A reading that takes longer, in milliseconds, may never end: others do not wait for it. */
const MOMENT_MS = 2_000;

/** So often the same message goes to the log, in milliseconds: the callers are anybody. */
const SILENCE_MS = 5 * 60_000;

export function memoryOf(context: IWebhookFunctions): Memory {
	const { held, stored } = isTest(context)
		? { held: new Held(), stored: {} }
		: { held: heldFor(context), stored: context.getWorkflowStaticData('node') };
	return {
		checker: held.checker,
		replays: new Replays(held.seen, stored),
		async readSecret(read) {
			const now = Date.now();
			if (held.secret && now - held.secret.since < MOMENT_MS) return await held.secret.reading;
			const secret = { reading: read(), since: now };
			held.secret = secret;
			try {
				return await secret.reading;
			} finally {
				if (held.secret === secret) held.secret = undefined;
			}
		},
		isUnsaid(message) {
			const now = Date.now();
			if (now - (held.said.get(message) ?? -Infinity) < SILENCE_MS) return false;
			held.said.set(message, now);
			return true;
		},
	};
}

/** Whoever tries a workflow out in the editor sends the same callback again and again. */
function isTest(context: IWebhookFunctions): boolean {
	return context.getMode() === 'manual';
}

function heldFor(context: IWebhookFunctions): Held {
	const key = `${context.getWorkflow().id} ${context.getNode().id}`;
	const held = nodes.get(key) ?? new Held();
	nodes.set(key, held);
	return held;
}
