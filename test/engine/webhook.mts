import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HookContext, WebhookContext } from 'n8n-core';
import type {
	INode,
	INodeExecutionData,
	INodeParameters,
	INodeType,
	IWebhookData,
	IWebhookResponseData,
	IWorkflowExecuteAdditionalData,
	WorkflowActivateMode,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { Workflow } from 'n8n-workflow';
import { request } from 'undici';
import { readAsN8n } from './body.mts';
import type { LogLine, Result, RunOptions } from './engine.mts';
import {
	Credentials,
	execute,
	listen,
	loadPackage,
	node,
	nodeTypes,
	withCredentials,
} from './engine.mts';

/**
 * n8n's webhook server around a trigger of the built package: n8n-core's WebhookContext, real HTTP,
 * and what n8n does with the answer. n8n refuses JSON that is none before a node hears of it; here
 * the node hears of everything.
 */
export interface ReceiverOptions {
	type: string;
	parameters: INodeParameters;
	credentials: RunOptions['credentials'];
	mode?: WorkflowExecuteMode;
	/** Left out, the version that the editor gives a new node. */
	typeVersion?: number;
	/** Another copy of the node, as another n8n process has it. */
	nodeType?: INodeType;
	/** What n8n has saved with the workflow. */
	database?: Database;
	/** Which workflow it is; each receiver has its own if left out. */
	workflowId?: string;
}

/** As much of n8n's database as webhooks see. */
export interface Database {
	staticData: string;
}

/** An execution that a callback has started. */
export interface Started {
	data: INodeExecutionData[][];
	/** Runs it, as n8n does once the caller has its answer. */
	run(): Promise<Result>;
}

export interface Reply {
	status: number;
	headers: Record<string, string | string[] | undefined>;
	text: string;
}

interface Sending {
	method?: string;
	query?: string;
	/** The caller hangs up. */
	signal?: AbortSignal;
}

let workflows = 0;

export class Receiver {
	readonly started: Started[] = [];

	/** What the node has thrown, which starts a failed execution in n8n. */
	readonly thrown: unknown[] = [];

	readonly log: LogLine[] = [];

	/** Requests that have reached n8n. */
	calls = 0;

	/** Requests for which the node has given its expression sandbox back. */
	readonly released = new Set<IncomingMessage>();

	/** n8n cannot start executions: its database or queue is away. */
	isDown = false;

	/** How long n8n takes to start an execution. */
	starting: Promise<unknown> | undefined;

	/** The answers to calls for which the node wants an execution. */
	readonly wanted: ServerResponse[] = [];

	private readonly trigger: INode;

	private readonly workflowId: string;

	readonly database: Database;

	private constructor(
		private readonly options: ReceiverOptions,
		private readonly server: Server,
	) {
		this.workflowId = options.workflowId ?? `workflow-${++workflows}`;
		this.database = options.database ?? { staticData: '{}' };
		this.trigger = {
			...node('Trigger', options.type, options.parameters),
			typeVersion: options.typeVersion ?? this.nodeType.description.defaultVersion ?? 1,
			id: 'trigger',
			webhookId: 'webhook',
		};
	}

	static async open(options: ReceiverOptions): Promise<Receiver> {
		await loadPackage();
		const server = createServer();
		const receiver = new Receiver(options, server);
		server.on('request', (incoming, response) => void receiver.serve(incoming, response));
		await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
		return receiver;
	}

	get url(): string {
		return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/webhook`;
	}

	async close(): Promise<void> {
		this.server.closeAllConnections();
		await new Promise((closed) => this.server.close(closed));
	}

	/** A request from an untrusted caller. */
	async send(
		body: string | Buffer | undefined,
		headers: Record<string, string> = {},
		{ method = 'POST', query = '', signal }: Sending = {},
	): Promise<Reply> {
		const answer = await request(`${this.url}${query}`, {
			method: method as 'POST',
			headers: { 'content-type': 'application/json', ...headers },
			body,
			signal,
		});
		return {
			status: answer.statusCode,
			headers: answer.headers,
			text: await answer.body.text(),
		};
	}

	/** What n8n asks the node when the workflow is activated, or the editor listens for an event. */
	async activate(activation: WorkflowActivateMode): Promise<boolean> {
		const { checkExists } = this.nodeType.webhookMethods?.default ?? {};
		const mode = activation === 'manual' ? 'manual' : 'trigger';
		const { workflow, webhook, additionalData } = this.load(mode);
		const trigger = workflow.getNode('Trigger') as INode;
		const context = new HookContext(workflow, trigger, additionalData, mode, activation, webhook);
		return (await checkExists?.call(context)) ?? false;
	}

	private get nodeType(): INodeType {
		return this.options.nodeType ?? nodeTypes.getByName(this.options.type);
	}

	private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
		listen(this.log);
		this.calls++;
		const { workflow, webhook, additionalData } = this.load(this.options.mode ?? 'webhook', {
			httpRequest: incoming,
			httpResponse: response,
		});
		const trigger = workflow.getNode('Trigger') as INode;
		try {
			await readAsN8n(incoming, workflow, trigger);
		} catch {
			// The caller went away while n8n read the body.
			response.writeHead(400).end();
			return;
		}
		Object.assign(workflow.expression, {
			releaseIsolate: async () => {
				this.released.add(incoming);
				const evaluate = () => {
					throw new Error('No bridge acquired for this context. Call acquire() first.');
				};
				Object.assign(workflow.expression, {
					getParameterValue: evaluate,
					getSimpleParameterValue: evaluate,
				});
			},
		});
		const context = new WebhookContext(
			workflow,
			trigger,
			additionalData,
			this.options.mode ?? 'webhook',
			webhook,
			[],
			null,
		);
		let result: IWebhookResponseData;
		try {
			result = (await this.nodeType.webhook?.call(context)) ?? {};
		} catch (error) {
			this.thrown.push(error);
			response.writeHead(500).end('Workflow Webhook Error: Workflow could not be started!');
			return;
		}
		await this.follow(result, workflow, response);
	}

	/** What n8n makes of the node's word, in its order (n8n's webhook-helpers.js). */
	private async follow(
		{ workflowData, noWebhookResponse, webhookResponse }: IWebhookResponseData,
		workflow: Workflow,
		response: ServerResponse,
	): Promise<void> {
		if (workflowData) {
			this.wanted.push(response);
			await this.starting;
		}
		if (workflowData && this.isDown) {
			response.writeHead(500).end('There was a problem executing the workflow');
			return;
		}
		// Between the node's word and the saving of its static data, n8n writes to the database.
		await new Promise((saved) => setImmediate(saved));
		if (workflowData) {
			this.started.push({
				data: workflowData,
				run: async () =>
					await execute({
						nodes: [this.trigger],
						credentials: this.options.credentials,
						start: structuredClone(workflowData),
					}),
			});
		}
		const { __dataChanged: isChanged } = workflow.staticData;
		if (isChanged) this.database.staticData = JSON.stringify(workflow.staticData);
		if (noWebhookResponse) return;
		const message = workflowData ? 'Workflow was started' : 'Webhook call received';
		response
			.writeHead(200, { 'content-type': 'application/json' })
			.end(JSON.stringify(webhookResponse ?? { message }));
	}

	/** For each request n8n loads the workflow anew. */
	private load(mode: WorkflowExecuteMode, http: object = {}) {
		const workflow = new Workflow({
			id: this.workflowId,
			name: 'Test',
			nodes: [withCredentials(this.trigger, this.options.credentials)],
			connections: {},
			active: mode !== 'manual',
			nodeTypes: nodeTypes as never,
			staticData: JSON.parse(this.database.staticData),
			settings: { executionOrder: 'v1' },
		});
		const additionalData = {
			credentialsHelper: new Credentials(this.options.credentials),
			restApiUrl: 'http://127.0.0.1/rest',
			instanceBaseUrl: 'http://127.0.0.1',
			webhookBaseUrl: 'http://127.0.0.1/webhook',
			variables: {},
			...http,
		} as unknown as IWorkflowExecuteAdditionalData;
		const [webhookDescription] = this.nodeType.description.webhooks ?? [];
		const webhook = {
			httpMethod: 'POST',
			node: 'Trigger',
			path: 'webhook',
			webhookDescription,
			workflowId: this.workflowId,
			workflowExecuteAdditionalData: additionalData,
			isTest: mode === 'manual',
		} as unknown as IWebhookData;
		return { workflow, webhook, additionalData };
	}
}
