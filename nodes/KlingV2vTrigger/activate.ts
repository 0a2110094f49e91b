import type { IHookFunctions } from 'n8n-workflow';
import { readSecret } from './receive';
import { secretMissing } from './replies';
import { readSettings } from './settings';

/** @returns why whoever listens for a test event would wait in vain, or undefined */
export async function missingSecret(context: IHookFunctions): Promise<string | undefined> {
	const { provider, isSigned } = readSettings(context);
	const isWatched = context.getActivationMode() === 'manual';
	if (!isWatched || !isSigned) return undefined;
	return (await readSecret(context, provider)) === '' ? secretMissing(provider) : undefined;
}
