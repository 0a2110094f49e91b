import type { Readable } from 'node:stream';
import type { IExecuteFunctions, INode, IWebhookFunctions } from 'n8n-workflow';
import { SECRETS } from './answers.mts';
import type { Answer } from './answers.mts';
import { Body } from './body.mts';
import { contextOf } from './data.mts';
import type { RunData, Row, StackEntry } from './data.mts';
import type { Marks } from './marks.mts';
import type { Process } from './process.mts';
import type { Options, Provider } from './provider.mts';
import { stored } from './stored.mts';
import type { Scenario } from './scenario.mts';
import type { Witness } from './witness.mts';
import { roundOf } from './workflow.mts';
import type { Workflow } from './workflow.mts';

/** What n8n gives to a node: `ExecuteContext` and `WebhookContext`, as far as this package uses them. */

/** The things that a call of the node meets. */
export interface Surroundings {
	scenario: Scenario;
	workflow: Workflow;
	provider: Provider;
	marks: Marks;
	witness: Witness;
	/** As `kill -9` does. */
	kill: (process: Process) => void;
}

/** One call of the node by n8n's engine. */
export interface Call {
	process: Process;
	row: Row;
	data: RunData;
	entry: StackEntry;
	runIndex: number;
	/** How n8n runs the execution. */
	mode: string;
	/** From 1 on. */
	turn: number;
	/** Stop, or a time-out. */
	stop: AbortSignal;
	/** Of an agent, if one calls. */
	wish?: number;
}

export function executeContext(world: Surroundings, call: Call): IExecuteFunctions {
	const { process, row, data, entry, runIndex, mode, stop, wish } = call;
	const { witness, workflow, scenario } = world;
	const signal = AbortSignal.any([stop, process.ended.signal]);
	const ifAlive = (work: () => void) => {
		if (process.isAlive) work();
	};
	const context = {
		runExecutionData: data,
		getInputData: () => entry.data.main[0],
		getNodeParameter: (name: string, item: number, otherwise: unknown) =>
			workflow.parameter(name, wish ?? item, data, otherwise),
		getNode: () => entry.node,
		getExecutionId: () => row.id,
		getMode: () => mode,
		getContext: () => contextOf(data, entry.node.name),
		getExecuteData: () => entry,
		getWorkflowDataProxy: () => ({
			$runIndex: runIndex,
			$execution: { resumeUrl: resumeUrl(row.id) },
		}),
		getParentNodes: () => [],
		getCredentials: async () => {
			await process.step();
			return credential();
		},
		putExecutionToWait: async (until: Date) => {
			data.waitTill = until.getTime();
		},
		getExecutionCancelSignal: () => signal,
		addExecutionHints: ({ message }: { message: string }) =>
			ifAlive(() => witness.hints.push(message)),
		sendMessageToUI: (message: string) => ifAlive(() => witness.messages.push(message)),
		logger: logger(world, process, roundOf(data), wish),
		helpers: helpers(world, call),
		// Not on n8n 1.88.
		...(scenario.version === '2.41' ? { isToolExecution: () => scenario.agent === 'itself' } : {}),
	};
	return context as unknown as IExecuteFunctions;
}

/** One call of the resume URL. */
export interface ResumeCall {
	process: Process;
	row: Row;
	/** The execution, as n8n has read it for this call. */
	data: RunData;
	body: string;
}

export function webhookContext(world: Surroundings, call: ResumeCall): IWebhookFunctions {
	const { process, row, data, body } = call;
	const bytes = Buffer.from(body);
	const response = {
		setHeader: () => response,
		status: (code: number) => {
			world.witness.answers.push(code);
			return response;
		},
		json: () => response,
	};
	const getRunExecutionData = async () => {
		await process.step();
		return stored(row.data);
	};
	const node = world.workflow.kling() as unknown as INode;
	const context = {
		runExecutionData: data,
		additionalData: world.scenario.version === '2.41' ? { getRunExecutionData } : {},
		workflow: { expression: {} },
		getRequestObject: () => ({
			headers: { 'content-length': String(bytes.length), 'content-type': 'application/json' },
			rawBody: bytes,
			readable: false,
		}),
		getResponseObject: () => response,
		getExecutionId: () => row.id,
		getNode: () => node,
		logger: logger(world, process, roundOf(data)),
	};
	return context as unknown as IWebhookFunctions;
}

/** @returns the address that continues a sleeping execution */
export function resumeUrl(id: string): string {
	return `https://n8n.example/webhook-waiting/${id}?signature=${SECRETS.resumeToken}`;
}

/** @returns the ID of the execution that an address continues */
export function executionOf(url: string): string | undefined {
	return /webhook-waiting\/(\d+)/.exec(url)?.[1];
}

function helpers({ provider, marks, witness, kill }: Surroundings, { process, turn }: Call) {
	/** A request takes its time at both ends. */
	const slowly = async (work: () => Promise<Answer>): Promise<Answer> => {
		await process.step();
		try {
			return await work();
		} finally {
			await process.step();
		}
	};
	const request = async function (
		this: Partial<IExecuteFunctions>,
		_type: string,
		options: Options,
	) {
		return await slowly(async () => {
			witness.note(() => `${options.method} ${options.url}`);
			const signal = this.getExecutionCancelSignal?.() ?? options.abortSignal;
			const answer = await provider.request(options, turn, signal, () => kill(process));
			return { ...answer, body: new Body(answer.body) };
		});
	};
	return {
		httpRequestWithAuthentication: request,
		httpRequest: async (options: Options) =>
			await slowly(async () => {
				witness.note(() => `GET ${options.url}`);
				return await provider.file(options, turn);
			}),
		prepareBinaryData: async (stream: Readable, fileName: string) => {
			const chunks: Buffer[] = [];
			for await (const chunk of stream) chunks.push(chunk as Buffer);
			await process.step();
			return { fileName, mimeType: 'video/mp4', data: Buffer.concat(chunks).toString('base64') };
		},
		checkProcessedAndRecord: async (
			texts: string[],
			_scope: string,
			{ maxEntries }: { maxEntries: number },
		) => {
			witness.note(() => `marks ${texts.join(', ')}`);
			return await marks.record(process, texts, maxEntries);
		},
		removeProcessed: async (texts: string[]) => {
			witness.note(() => `unmarks ${texts.join(', ')}`);
			await marks.remove(process, texts);
		},
	};
}

function credential() {
	return {
		apiKey: SECRETS.apiKey,
		webhookSecret: SECRETS.webhookSecret,
		baseUrl: 'https://api.example',
	};
}

function logger({ witness }: Surroundings, process: Process, round: number, wish?: number) {
	const take = (message: string, meta?: unknown) => {
		if (process.isAlive) witness.logged(message, meta, round, wish);
	};
	return { debug: take, info: take, warn: take, error: take };
}
