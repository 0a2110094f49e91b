import { createHash } from 'node:crypto';
import type { BuiltPackage } from './builtNode.mts';
import { judge } from './judge.mts';
import type { Verdict } from './judge.mts';
import { N8n } from './n8n.mts';
import { Provider } from './provider.mts';
import type { Scenario } from './scenario.mts';
import { VirtualTime } from './time.mts';
import { Witness } from './witness.mts';

/** A history to its end. */
export interface Outcome extends Verdict {
	witness: Witness;
	provider: Provider;
}

let time: VirtualTime | undefined;

/**
 * Plays one history: only one at a time in a process, as it takes the process's clock.
 * @param isTelling a person wants to read what happens
 */
export async function simulate(
	scenario: Scenario,
	built: BuiltPackage,
	isTelling = false,
): Promise<Outcome> {
	time ??= new VirtualTime();
	time.begin(scenario.seed);
	built.begin();
	// Stacks cost more than the histories themselves.
	Error.stackTraceLimit = isTelling ? 10 : 0;
	const provider = new Provider(scenario);
	const witness = new Witness(isTelling);
	const n8n = new N8n(scenario, built, provider, witness);
	n8n.begin();
	const hasEnded = await time.until(() => n8n.isOver);
	return { ...judge(scenario, witness, provider, hasEnded), witness, provider };
}

/** @returns the same text for the same bytes of all that was put out, stored, logged and asked */
export function digestOf({ witness, provider }: Outcome): string {
	const { rows, log, hints, messages, ended, shown, told } = witness;
	const all = [rows, log, hints, messages, ended, shown, told, provider.asked];
	const text = JSON.stringify(all, (name, value: unknown) => (name === 'stack' ? '' : value));
	return createHash('sha256').update(text).digest('hex');
}
