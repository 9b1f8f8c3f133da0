"""Exports Silero VAD, which tells speech from silence and noise, with torch.export.

Run from anywhere, with torch 2.11 and safetensors installed:

    python models/silero-vad/export.py "$(scripts/models --download silero-vad)"

The argument is a folder that holds silero_vad_16k.safetensors of the PyPI package that
source.json names. Writes beside itself
    silero-vad.pt2        the exported program without its weights, dynamic in its first dimension
    golden.safetensors    four steps of a made-up recording in each of eight streams, and the fp32 outputs
    voice.wav             the first of the recordings

One step takes 512 samples at 16 kHz, the 64 samples before them, and the state that the step before it gave. Everything
that a step gives but the probability goes into the next step; all of it is zero at the first.
"""

import math
import sys
import wave
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

RATE, SAMPLES, CONTEXT = 16_000, 512, 64
WINDOW, STRIDE, BINS, WIDTH = 256, 128, 129, 128
LARGEST_BATCH = 4096
STREAMS, STEPS = 8, 40
HERE = Path(__file__).resolve().parent


class SileroVAD(torch.nn.Module):
    """The probability that 32 ms hold speech, and what the next step needs to know."""

    def __init__(self):
        super().__init__()
        self.stft_conv = torch.nn.Conv1d(1, 2 * BINS, WINDOW, stride=STRIDE, bias=False)
        self.conv1 = torch.nn.Conv1d(BINS, 128, 3, padding=1)
        self.conv2 = torch.nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = torch.nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = torch.nn.Conv1d(64, WIDTH, 3, padding=1)
        self.lstm_cell = torch.nn.LSTMCell(WIDTH, WIDTH)
        self.final_conv = torch.nn.Conv1d(WIDTH, 1, 1)

    def forward(self, samples, context, hidden, cell):
        audio = torch.cat([context, samples], 1)
        audio = torch.nn.functional.pad(audio, (0, CONTEXT), "reflect")
        parts = self.stft_conv(audio.unsqueeze(1))
        real, imaginary = parts.split(BINS, 1)
        x = torch.sqrt(real**2 + imaginary**2)
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = torch.relu(layer(x))
        hidden, cell = self.lstm_cell(x.squeeze(-1), (hidden, cell))
        probability = torch.sigmoid(self.final_conv(torch.relu(hidden).unsqueeze(-1)))
        return probability.squeeze(-1), samples[:, -CONTEXT:], hidden, cell


def recording(stream):
    """A made-up voice that comes and goes, over noise: a buzz through three resonances, as vowels are made."""
    generator = torch.Generator().manual_seed(stream)
    time = torch.arange(STEPS * SAMPLES) / RATE
    pitch = 100 + 15 * stream + 20 * torch.sin(2 * math.pi * 3 * time)
    phase = torch.cumsum(2 * math.pi * pitch / RATE, 0)
    formants = [(700, 1220, 2600), (300, 870, 2240), (390, 2300, 2800), (570, 840, 2410)]
    voice = torch.zeros_like(time)
    for harmonic in range(1, 30):
        for syllable in range(8):
            low = (time >= syllable * 0.16) & (time < syllable * 0.16 + 0.13)
            gain = sum(1 / (1 + ((harmonic * pitch - f) / 90) ** 2) for f in formants[(syllable + stream) % 4])
            voice += torch.where(low, gain * torch.sin(harmonic * phase) / harmonic**0.5, 0.0)
    spoken = (time > 0.3) & (time < 1.0) if stream % 4 != 3 else torch.zeros_like(time, dtype=torch.bool)
    noise = torch.randn(time.shape, generator=generator)
    return torch.where(spoken, 0.15 * voice, 0.0) + 0.003 * (1 + stream % 3) * noise


def write_wave(samples, path):
    """Writes samples from -1 to 1 as a recording of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples.clamp(-1, 1) * 32767).round().to(torch.int16).numpy().tobytes())


def main():
    sys.path.insert(0, str(HERE.parent))
    from exporting import save

    torch.set_num_threads(1)
    network = SileroVAD().eval()
    network.load_state_dict(load_file(Path(sys.argv[1]) / "silero_vad_16k.safetensors"))

    audio = torch.stack([recording(stream) for stream in range(STREAMS)]).to(torch.float32)
    write_wave(audio[0], HERE / "voice.wav")
    state = (torch.zeros(STREAMS, CONTEXT), torch.zeros(STREAMS, WIDTH), torch.zeros(STREAMS, WIDTH))
    rows = []
    with torch.no_grad():
        for samples in audio.split(SAMPLES, 1):
            probability, *after = network(samples, *state)
            rows.append((samples, *state, probability, *after))
            state = tuple(after)
    probabilities = torch.cat([row[4] for row in rows], 1)
    for stream, line in enumerate(probabilities):
        print(stream, "".join(" .:-=+*#%@"[min(9, int(10 * p))] for p in line))

    batch = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
    names = ("samples", "context", "hidden", "cell")
    with torch.no_grad():
        program = torch.export.export(network, rows[0][:4], dynamic_shapes={name: batch for name in names})
    save(program, HERE / "silero-vad.pt2", with_weights=False)
    kept = [rows[step] for step in (0, 8, 16, 36)]
    tensors = [torch.cat(column).contiguous() for column in zip(*kept)]
    save_file(dict(zip((*names, *(f"output_{i}" for i in range(4))), tensors)), HERE / "golden.safetensors")


if __name__ == "__main__":
    main()
