// @ts-check
// The oldest n8n that the package runs on, pinned by the lock file beside this one, on a Node.js of its time.
//
// Why 1.88: in 1.85 came the names of connection types that the nodes take from n8n-workflow, and in 1.88 the condition `@tool`, by
// which a property is another one for an AI agent; before, When to Continue would be passed over. What came later still (the token
// of the resume URL, a node's own look into a stored execution, tags of an execution) is used where it is there.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../../../dev/server/problem.mjs';
import { Session } from '../../../dev/server/session.mjs';

/** @type {import('../../../dev/server/install.mjs').Pin} */
export const OLDEST = {
	source: path.dirname(fileURLToPath(import.meta.url)),
	nodeMajor: 20,
	newestNode: 22,
	bytes: 2e9,
	// Peers of packages that n8n only offers would double the tree.
	npmArgs: ['--legacy-peer-deps'],
};

/** The same user, in the words of n8n 1. */
export class OldSession extends Session {
	/** @param {import('../../../dev/server/session.mjs').Workflow} workflow @override */
	async saveWorkflow(workflow) {
		return await super.saveWorkflow(
			/** @type {typeof workflow} */ ({ active: false, ...workflow }),
		);
	}

	/** @param {string} id @override */
	async activate(id) {
		await this.request('PATCH', `/workflows/${id}`, { active: true });
	}

	/** No workflow needs it. @override */
	async publishChild() {}

	/** Files are a part of the execution, and have no id. @param {import('../../../dev/server/session.mjs').BinaryFile} file @override */
	async content({ data }) {
		const content = Buffer.from(data, 'base64');
		return {
			sha256: createHash('sha256').update(content).digest('hex'),
			bytes: content.length,
		};
	}

	/** @param {string} id @param {string} trigger @override */
	async start(id, trigger) {
		const workflowData = await this.request('GET', `/workflows/${id}`);
		const { executionId } = await this.request('POST', `/workflows/${id}/run`, {
			workflowData,
			triggerToStartFrom: { name: trigger },
		});
		return executionId;
	}

	/** n8n does not tell which execution is the new one. @param {string} id @param {boolean} loadWorkflow @override */
	async retry(id, loadWorkflow) {
		await this.request('POST', `/executions/${id}/retry`, { loadWorkflow });
		const { workflowId } = await this.request('GET', `/executions/${id}`);
		const [newest] = (await this.executionsOf(workflowId)).filter(({ retryOf }) => retryOf === id);
		if (!newest) throw new Problem(`"Retry execution" of ${id} has begun no execution.`);
		return newest.id;
	}
}
