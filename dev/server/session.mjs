// @ts-check
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseFlatted } from './flatted.mjs';
import { Problem } from './problem.mjs';

/**
 * @typedef {{ email: string, password: string, firstName: string, lastName: string }} Owner
 * @typedef {{ id: string, name: string }} CredentialReference
 * @typedef {import('../workflow.mjs').WorkflowNode} WorkflowNode
 * @typedef {{ id?: string, name: string, nodes: WorkflowNode[], connections: object, settings?: object }} Workflow
 * @typedef {{ id?: string, data: string, fileName?: string, mimeType: string, fileSize?: string }} BinaryFile
 * @typedef {{ json: any, binary?: Record<string, BinaryFile> }} Item
 * @typedef {{ startTime: number, executionTime: number, executionStatus: string, error?: any, data?: { main: Array<Item[] | null> } }} NodeRun
 * @typedef {object} Execution
 * @property {string} id
 * @property {'new' | 'running' | 'waiting' | 'success' | 'error' | 'canceled' | 'crashed' | 'unknown'} status
 * @property {string} startedAt
 * @property {string | null} stoppedAt
 * @property {string | null} waitTill
 * @property {string | null} retryOf the execution that "Retry execution" was pressed at
 * @property {string} workflowId
 * @property {{ resultData: { runData: Record<string, NodeRun[]>, error?: any, lastNodeExecuted?: string, metadata?: Record<string, string> } }} data
 */

/** How an execution may end. */
export const ENDED = new Set(['success', 'error', 'canceled', 'crashed']);
const POLL_MS = 500;

/** Longer than anything takes here, on a busy machine too. */
const ENDS_WITHIN_MS = 300_000;

const WRITTEN_WITHIN_MS = 300;

/** How long a database of n8n is waited for that does not answer: the machine may be busy. */
const DATABASE_ANSWERS_WITHIN_MS = 120_000;

/**
 * Asks n8n. As long as its database does not answer, n8n turns each request away unread: the request is sent again.
 *
 * @param {string} url
 * @param {RequestInit} init
 */
export async function askN8n(url, init) {
	for (const deadline = Date.now() + DATABASE_ANSWERS_WITHIN_MS; ; await sleep(POLL_MS)) {
		const response = await fetch(url, init);
		if (response.status !== 503 || Date.now() >= deadline) return response;
		const text = await response.clone().text();
		if (!text.includes('Database is not ready')) return response;
	}
}

/** What n8n answers when it does not do what it was asked. */
export class N8nRequestError extends Error {
	/** @param {string} request @param {number} status @param {string} body */
	constructor(request, status, body) {
		super(`n8n answered ${request} with ${status}: ${body.slice(0, 500)}`);
		this.name = 'N8nRequestError';
		this.status = status;
	}
}

/**
 * A signed-in user of a running n8n. It speaks the API that n8n's own editor speaks, so that what is tested is what a
 * person would do there.
 */
export class Session {
	#cookie = '';

	/** One at a time, as a person does it: each takes one of n8n's few connections to its database. @type {Promise<unknown>} */
	#publishing = Promise.resolve();

	/** @param {string} url where n8n runs */
	constructor(url) {
		this.url = url.replace(/\/$/, '');
	}

	/**
	 * Signs the owner in; on a new server, the account is made first.
	 *
	 * @param {string} url
	 * @param {Owner} owner
	 */
	static async open(url, owner) {
		const session = new this(url);
		const { userManagement } = await session.request('GET', '/settings');
		if (userManagement.showSetupOnFirstLoad) {
			await session.request('POST', '/owner/setup', owner);
		} else {
			await session
				.request('POST', '/login', {
					emailOrLdapLoginId: owner.email,
					// The name it had in n8n 1.
					email: owner.email,
					password: owner.password,
				})
				.catch((error) => {
					if (!(error instanceof N8nRequestError) || error.status !== 401) throw error;
					throw new Problem(
						`n8n at ${url} has an owner account with another password: sign in by hand, or remove its user folder to begin anew.`,
						{ cause: error },
					);
				});
		}
		return session;
	}

	/**
	 * @param {string} method
	 * @param {string} path below `/rest`
	 * @param {unknown} [body]
	 * @returns {Promise<Response>}
	 */
	async #send(method, path, body) {
		const response = await askN8n(`${this.url}/rest${path}`, {
			method,
			headers: {
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
				cookie: this.#cookie,
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			redirect: 'manual',
		});
		for (const line of response.headers.getSetCookie()) {
			if (line.startsWith('n8n-auth=')) this.#cookie = /** @type {string} */ (line.split(';')[0]);
		}
		if (!response.ok)
			throw new N8nRequestError(`${method} ${path}`, response.status, await response.text());
		return response;
	}

	/**
	 * @param {string} method
	 * @param {string} path below `/rest`
	 * @param {unknown} [body]
	 * @returns {Promise<any>} what n8n holds under `data`
	 */
	async request(method, path, body) {
		const text = await (await this.#send(method, path, body)).text();
		return text === '' ? undefined : JSON.parse(text).data;
	}

	/**
	 * Stores a credential; one of the same type and name gets the new values.
	 *
	 * @param {{ name: string, type: string, data: Record<string, unknown> }} credential
	 * @returns {Promise<CredentialReference>} as a workflow's node names it
	 */
	async saveCredential({ name, type, data }) {
		const stored = /** @type {Array<CredentialReference & { type: string }>} */ (
			await this.request('GET', '/credentials')
		);
		const same = stored.find((other) => other.name === name && other.type === type);
		const saved = same
			? await this.request('PATCH', `/credentials/${same.id}`, { name, type, data })
			: await this.request('POST', '/credentials', { name, type, data });
		return { id: saved.id, name: saved.name };
	}

	/**
	 * Tries a stored credential as opening it in the editor does: its values come redacted, and go back with changes, if any.
	 *
	 * @param {string} id
	 * @param {Record<string, unknown>} [changes] values to try in place of the stored ones
	 * @returns {Promise<{ status: 'OK' | 'Error', message: string }>}
	 */
	async testCredential(id, changes) {
		const { name, type, data } = await this.request('GET', `/credentials/${id}?includeData=true`);
		return await this.request('POST', '/credentials/test', {
			credentials: { id, name, type, data: { ...data, ...changes } },
		});
	}

	/**
	 * Stores a workflow; one of the same id is replaced.
	 *
	 * @param {Workflow} workflow
	 * @returns {Promise<Workflow & { id: string, versionId: string }>}
	 */
	async saveWorkflow(workflow) {
		const stored = workflow.id === undefined ? undefined : await this.#workflow(workflow.id);
		if (!stored) return await this.request('POST', '/workflows', workflow);
		// "Delete" in the editor archives first, and an archived workflow takes no changes.
		if (stored.isArchived) await this.request('POST', `/workflows/${workflow.id}/unarchive`);
		return await this.request('PATCH', `/workflows/${workflow.id}`, workflow);
	}

	/** @param {string} id */
	async #workflow(id) {
		return await this.request('GET', `/workflows/${id}`).catch((error) => {
			if (error instanceof N8nRequestError && [403, 404].includes(error.status)) return undefined;
			throw error;
		});
	}

	/**
	 * Publishes a workflow, so that its triggers and webhooks are live.
	 *
	 * @param {string} id
	 */
	async publish(id) {
		const result = this.#publishing.then(async () => await this.activate(id));
		this.#publishing = result.catch(() => {});
		await result;
	}

	/** @param {string} id @returns {Promise<void>} */
	async activate(id) {
		const { versionId } = await this.request('GET', `/workflows/${id}`);
		await this.request('POST', `/workflows/${id}/activate`, { versionId });
	}

	/**
	 * Lets the published workflows of others call a workflow.
	 *
	 * @param {string} id
	 */
	async publishChild(id) {
		await this.publish(id);
	}

	/**
	 * Starts a workflow as "Execute workflow" does.
	 *
	 * @param {string} id
	 * @param {string} trigger the name of the trigger node
	 * @returns {Promise<string>} the execution's id
	 */
	async start(id, trigger) {
		const { executionId } = await this.request('POST', `/workflows/${id}/run`, {
			triggerToStartFrom: { name: trigger },
		});
		return executionId;
	}

	/**
	 * The latest executions of a workflow, however they were started, newest first.
	 *
	 * @param {string} workflowId
	 * @returns {Promise<Array<Pick<Execution, 'id' | 'status' | 'retryOf'>>>}
	 */
	async executionsOf(workflowId) {
		const filter = JSON.stringify({ workflowId });
		const { results } = await this.request(
			'GET',
			`/executions?${new URLSearchParams({ filter, limit: '20' })}`,
		);
		return results;
	}

	/**
	 * Waits until something has started a workflow.
	 *
	 * @param {string} workflowId
	 * @param {{ timeoutMs?: number }} [options]
	 * @returns {Promise<string>} the execution's id
	 */
	async firstExecutionOf(workflowId, { timeoutMs = ENDS_WITHIN_MS } = {}) {
		for (const deadline = Date.now() + timeoutMs; ; await sleep(100)) {
			const first = (await this.executionsOf(workflowId)).at(-1);
			if (first) return first.id;
			if (Date.now() >= deadline) {
				throw new Problem(
					`Nothing has started the workflow ${this.url}/workflow/${workflowId} within ${timeoutMs / 1000} s.`,
				);
			}
		}
	}

	/**
	 * @param {string} id
	 * @returns {Promise<Execution>}
	 */
	async execution(id) {
		const execution = await this.request('GET', `/executions/${id}`);
		return { ...execution, data: parseFlatted(execution.data) };
	}

	/**
	 * Waits until an execution has ended, or until it has another status that is asked for.
	 *
	 * @param {string} id
	 * @param {{ timeoutMs?: number, until?: (execution: Execution) => boolean, watch?: () => Promise<void> }} [options]
	 *   `watch` is called between two looks
	 */
	async executionEnd(
		id,
		{ timeoutMs = ENDS_WITHIN_MS, until = ({ status }) => ENDED.has(status), watch } = {},
	) {
		const deadline = Date.now() + timeoutMs;
		for (;;) {
			const execution = await this.execution(id);
			if (until(execution)) {
				if (!ENDED.has(execution.status)) return execution;
				// n8n writes the status some moments before what the nodes put out.
				await sleep(WRITTEN_WITHIN_MS);
				return await this.execution(id);
			}
			if (Date.now() >= deadline) {
				throw new Problem(
					`Execution ${id} is still "${execution.status}" after ${timeoutMs / 1000} s: open it at ${this.url}.`,
				);
			}
			await watch?.();
			await sleep(POLL_MS);
		}
	}

	/**
	 * @param {string} id
	 * @param {string} trigger
	 * @param {{ timeoutMs?: number }} [options]
	 */
	async run(id, trigger, options) {
		return await this.executionEnd(await this.start(id, trigger), options);
	}

	/**
	 * Presses "Retry execution". n8n answers once the new execution has ended or sleeps.
	 *
	 * @param {string} id of an execution
	 * @param {boolean} loadWorkflow with the workflow as it is now, and not as it was
	 * @returns {Promise<string>} the new execution's id
	 */
	async retry(id, loadWorkflow) {
		return (await this.request('POST', `/executions/${id}/retry`, { loadWorkflow })).id;
	}

	/** @param {string} id of an execution */
	async stop(id) {
		return await this.request('POST', `/executions/${id}/stop`);
	}

	/**
	 * What is in a file that an execution has put out.
	 *
	 * @param {BinaryFile} file
	 * @returns {Promise<{ sha256: string, bytes: number }>}
	 */
	async content({ id }) {
		if (id === undefined) throw new Problem("The file is not in n8n's store, but in its memory.");
		return await this.binary(id);
	}

	/**
	 * The digest and size of a file in n8n's binary store, fetched as the output panel's "Download" does; it may be huge.
	 *
	 * @param {string} id the `id` of an item's binary property
	 */
	async binary(id) {
		const response = await this.#send(
			'GET',
			`/binary-data?${new URLSearchParams({ id, action: 'download' })}`,
		);
		const hash = createHash('sha256');
		let bytes = 0;
		for await (const chunk of response.body ?? []) {
			hash.update(chunk);
			bytes += chunk.length;
		}
		return { sha256: hash.digest('hex'), bytes };
	}
}

/**
 * The items that a node put out, of its last run.
 *
 * @param {Execution} execution
 * @param {string} node
 * @param {number} [output]
 * @returns {Item[]}
 */
export function itemsOf(execution, node, output = 0) {
	return execution.data.resultData.runData[node]?.at(-1)?.data?.main[output] ?? [];
}
