import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { credentials } from '../shared/properties/credentials';
import { properties, resumeWebhooks } from './properties';

export class KlingV2vGenerate implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling V2V Generate',
		name: 'klingV2vGenerate',
		icon: { light: 'file:../../icons/kling.svg', dark: 'file:../../icons/kling.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle:
			'={{ $parameter["provider"] === "muleRouter" ? "MuleRouter" : "Magnific" }}: {{ $parameter["mode"] === "pro" ? "pro" : "standard" }}',
		description: 'Make an AI video from a reference video with Kling 3 Omni',
		defaults: { name: 'Kling V2V Generate' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials,
		waitingNodeTooltip:
			'The execution continues when the provider calls back, or at the wait limit',
		webhooks: resumeWebhooks,
		properties,
	};

	// What does the work is loaded when there is some: n8n loads every node at its start.

	/** Called through the resume URL of an execution that is paused until callback. */
	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const { nudge } = await import('../shared/pause');
		return await nudge(this);
	}

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const { execute } = await import('./execute');
		return [await execute(this)];
	}
}
