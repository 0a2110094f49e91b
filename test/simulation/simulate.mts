import { createHash } from 'node:crypto';
import type { BuiltPackage } from './builtNode.mts';
import { World } from './host.mts';
import { judge } from './judge.mts';
import type { Verdict } from './judge.mts';
import { Provider } from './provider.mts';
import type { Scenario } from './scenario.mts';
import { VirtualTime } from './virtualTime.mts';

/** A history to its end. */
export interface Outcome extends Verdict {
	/** The same for the same bytes of everything that was put out, stored, logged and asked. */
	digest: string;
	world: World;
	provider: Provider;
	requests: number;
}

let time: VirtualTime | undefined;

/** Plays one history: only one at a time in a process, as it has the process's clock. */
export async function simulate(scenario: Scenario, built: BuiltPackage): Promise<Outcome> {
	time ??= new VirtualTime();
	time.begin(scenario.seed);
	const provider = new Provider(scenario);
	const world = new World(scenario, built, provider);
	world.begin();
	const hasEnded = await time.until(() => world.isOver);
	if (process.env.DBG)
		console.log(
			'ended',
			hasEnded,
			new Date().toISOString(),
			(world as any).pending,
			(world as any).steps,
			(world as any).running.size,
		);
	const verdict = judge(scenario, world, provider, hasEnded);
	const { rows, log, hints, messages, ended, shown, told } = world;
	const everything = {
		rows,
		log,
		hints,
		messages,
		ended: stackless(ended),
		shown,
		told,
		asked: provider.asked,
	};
	return {
		...verdict,
		digest: createHash('sha256').update(JSON.stringify(everything)).digest('hex'),
		world,
		provider,
		requests: provider.asked.length,
	};
}

function stackless(ended: World['ended']): unknown {
	return JSON.parse(JSON.stringify(ended), (name, value: unknown) =>
		name === 'stack' ? undefined : value,
	);
}
