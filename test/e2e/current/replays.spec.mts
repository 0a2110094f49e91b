/** Drawn histories of the simulation, on a real n8n: both have to come to the same end. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueInstance } from '../../../dev/server/instance.mjs';
import type { Account } from '../../simulation/account.mts';
import type { Kind, Replay } from '../../simulation/replays.mts';
import { expect, measured, test } from '../fixtures.mts';
import type { Server } from '../fixtures.mts';
import { gate } from '../pausing.mts';
import { drawnHistories, replay } from '../replay.mts';

const CALM = 40;
const KILLED = 30;

/** As `KILLED_AFTER` of the simulation. */
const KILLED_AFTER_MS = 30_000;

test.use({
	concurrency: CALM + KILLED,
	// n8n's default: the main process does itself what is started by a button.
	environment: { OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS: 'false' },
});

interface Difference {
	replay: Replay;
	real: Account | string;
}

/** @returns those that end otherwise than in the simulation */
async function playAll(
	replays: Replay[],
	server: Server,
	log: () => string,
	hasBegun: () => Promise<void> = async () => {},
): Promise<Difference[]> {
	const differences: Difference[] = [];
	const play = async (drawn: Replay, index: number) => {
		const label = `${drawn.scenario.topology} ${drawn.scenario.kills.length} ${index}`;
		const surroundings = { server, log, hasBegun };
		const real = await replay(drawn.scenario, label, surroundings).catch((error: Error) => {
			// One that has failed is not waited for.
			void hasBegun();
			return String(error.stack);
		});
		if (JSON.stringify(real) === JSON.stringify(drawn.account)) return;
		differences.push({ replay: drawn, real });
		console.log(JSON.stringify({ index, ...drawn, real }));
	};
	await Promise.all(replays.map(play));
	return differences;
}

async function draw(kind: Kind, { kind: server }: Server, count: number): Promise<Replay[]> {
	const topology = server === 'queue' ? 'queue' : 'regular';
	const replays = await drawnHistories(kind, topology, count);
	expect(replays).toHaveLength(count);
	return replays;
}

/** Which lines are n8n's own, of all its processes. */
function logOf({ instance }: Server): string {
	const processes = new Set([instance.main.log, instance.runner.log]);
	return [...processes].map((file) => fs.readFileSync(file, 'utf8')).join('\n');
}

function report(differences: Difference[], count: number): void {
	measured(`${count - differences.length} of ${count} histories end as in the simulation`);
	expect(differences.map(({ real }) => real)).toEqual(
		differences.map(({ replay: { account } }) => account),
	);
}

test(`${CALM} drawn histories end on a real n8n as in the simulation`, async ({ server }) => {
	test.setTimeout(20 * 60_000);
	const replays = await draw('calm', server, CALM);
	report(await playAll(replays, server, () => logOf(server)), CALM);
});

test(`${KILLED} drawn histories under which n8n is killed end as in the simulation`, async ({
	server,
}) => {
	test.setTimeout(20 * 60_000);
	const { instance } = server;
	const replays = await draw('killed', server, KILLED);
	let before = '';
	let begun = 0;
	const all = gate();
	const revived = gate();
	const playing = playAll(
		replays,
		server,
		() => before + logOf(server),
		async () => {
			if (++begun >= KILLED) all.open();
			await revived.opened;
		},
	);
	await all.opened;
	await sleep(KILLED_AFTER_MS);
	await instance.runner.kill();
	before = logOf(server);
	// As where machines come and go: the next worker has a disk of its own.
	await ('replaceWorker' in instance
		? (instance as QueueInstance).replaceWorker()
		: instance.restart());
	revived.open();
	report(await playing, KILLED);
});
