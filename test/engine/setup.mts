import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { EmulatorClient } from '../../dev/emulator/client.mjs';
import { startEmulator } from '../../dev/emulator/client.mjs';
import type { IDataObject, INode, INodeParameters } from 'n8n-workflow';
import type { Result, RunOptions } from './engine.mts';
import { execute, GENERATE, loadPackage, node, STATUS } from './engine.mts';
import { hurrySleep } from './haste.mts';
import { openFiles } from './openFiles.mts';
import { passed, until } from './until.mts';

/** What nearly every test needs: the emulator, credentials for it, and short ways to run a node. */
export interface Bench {
	emulator: EmulatorClient;
	credentials: RunOptions['credentials'];
	/** Generate, over as many input items as given. */
	generate(parameters: INodeParameters, more?: More): Promise<Result>;
	status(parameters: INodeParameters, more?: More): Promise<Result>;
}

export interface More extends Partial<RunOptions> {
	/** The input items' data; one empty item if left out. */
	input?: IDataObject[];
	/** Files on disk that every input item brings along, by binary field. */
	files?: Record<string, string>;
	settings?: Partial<INode>;
}

const LONGEST_SLICE_MS = 600;

export const keys = { magnific: 'emulator-magnific-key', muleRouter: 'emulator-mule-key' };

export function useBench(): Bench {
	const bench = {} as Bench;
	const run =
		(type: string) =>
		async (
			parameters: INodeParameters,
			{ input = [{}], files = {}, settings, ...more }: More = {},
		) =>
			await execute({
				credentials: bench.credentials,
				nodes: [
					node('Source', 'test.source', {
						items: JSON.stringify(input.map((json) => ({ json }))),
						files: JSON.stringify(files),
					}),
					node('Kling', type, parameters, settings),
				],
				...more,
			});
	bench.generate = run(GENERATE);
	bench.status = run(STATUS);
	beforeAll(async () => {
		bench.emulator = await startEmulator();
		await loadPackage();
		hurrySleep();
	});
	beforeEach(async () => {
		await bench.emulator.reset({ taskSeconds: 0.2 });
		bench.credentials = {
			magnificApi: {
				apiKey: keys.magnific,
				baseUrl: bench.emulator.apiUrl,
				webhookSecret: 'a-webhook-secret',
			},
			muleRouterApi: { apiKey: keys.muleRouter, baseUrl: bench.emulator.apiUrl, webhookSecret: '' },
		};
	});
	afterEach(async () => {
		await until(() => openFiles().length === 0, 'no file of the binary store is open');
	});
	afterAll(async () => {
		await bench.emulator?.stop();
		// Pauses of the package come in slices of half a second, and the last one may still run. Jest takes a worker that
		// lives on for as long as that for one that does not end.
		await passed(LONGEST_SLICE_MS);
	});
	return bench;
}
