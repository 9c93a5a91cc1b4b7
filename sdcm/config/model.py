"""`params`: the configuration a test sees.

Layers, later ones win: built-in defaults (sdcm/config/options.py), the stress images, the defaults of every
test, those of the backend, the named files in their order, `SCT_...` variables, what follows from the
surroundings. Each value remembers every layer that set it.
"""

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sdcm import environment_variables
from sdcm.config import derived, environment, layers
from sdcm.config.layers import Layer
from sdcm.config.options import Options, is_secret
from sdcm.config.origins import THE_TEST, Explanation, Origins
from sdcm.config.problems import ConfigurationProblem, unknown_item, unsupported_variables
from sdcm.redaction import HIDDEN


class SCTConfiguration:
    """A test's configuration, used like a dictionary; keys of mappings are reached as `option.key`.

    Setting a value validates it. `load_params` makes one.
    """

    def __init__(self) -> None:
        """Start from the built-in defaults."""
        self._options = Options()
        self._origins = Origins()
        self._unsupported: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> Any:
        """Return a value.

        Raises:
            ConfigurationProblem: There is no such option (a ValueError too).
        """
        option, *rest = key.split(".")
        if option not in Options.model_fields:
            raise unknown_item(key, Options.model_fields)
        value = getattr(self._options, option)
        for part in rest:
            if not isinstance(value, dict) or part not in value:
                raise unknown_item(key, [f"{option}.{name}" for name in value] if isinstance(value, dict) else ())
            value = value[part]
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        """Set a value; `option.key` sets one key of a mapping.

        Raises:
            ConfigurationProblem: There is no such option, or the value does not fit its type.
        """
        option, _, leaf = key.partition(".")
        if leaf:
            whole = self[option]
            if not isinstance(whole, dict):
                raise unknown_item(key, ())
            self._set(option, {**whole, leaf: value}, THE_TEST)
            self._origins.note(key, THE_TEST, value)
        else:
            self._set(option, value, THE_TEST)

    def __contains__(self, key: object) -> bool:
        """Whether there is such an option, or such a key in its mapping."""
        try:
            self[str(key)]
        except ConfigurationProblem:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all options."""
        return iter(Options.model_fields)

    def keys(self) -> list[str]:
        """Return the names of all options, so that `dict(params)` works."""
        return list(Options.model_fields)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, `default` where there is no such option or key."""
        try:
            return self[key]
        except ConfigurationProblem:
            return default

    def update(self, values: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set several values; none is set when one of them is wrong.

        Raises:
            ConfigurationProblem: As for setting one.
        """
        before = self._options.model_copy(deep=True), copy.deepcopy(self._origins)
        try:
            for key, value in {**(values or {}), **more}.items():
                self[key] = value
        except ConfigurationProblem:
            self._options, self._origins = before
            raise

    def to_dict(self) -> dict[str, Any]:
        """Return a copy of all values, secrets included."""
        return self._options.model_dump()

    def secrets(self) -> dict[str, Any]:
        """Return the values that are never to be shown, by option; also of mappings' keys with a secret's name."""
        return {name: value for name, value in self.to_dict().items() if is_secret(name) and value}

    def dump_config(self) -> str:
        """Return all options as YAML, secrets hidden."""
        values = {name: HIDDEN if is_secret(name) and value else value for name, value in self.to_dict().items()}
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)

    def explain(self, key: str) -> Explanation:
        """Return where a value comes from, secrets hidden.

        Raises:
            ConfigurationProblem: There is no such option.
        """
        return self._origins.explain(key, self[key])

    def verify_configuration(self) -> None:
        """Check what no single value shows.

        Raises:
            ConfigurationProblem: `SCT_` variables that nothing uses, or values that do not go together.
        """
        if self._unsupported:
            known = [environment.PREFIX + name.upper() for name in self]
            raise unsupported_variables(self._unsupported, known)
        options = self._options
        role = options.authenticator_user and options.authenticator_password
        if options.authenticator == "PasswordAuthenticator" and not role:
            raise ConfigurationProblem(
                "authenticator is PasswordAuthenticator without a role",
                mend="set authenticator_user and authenticator_password",
            )
        for name in ("client_encrypt_mtls", "peer_verification"):
            if getattr(options, name) and not options.client_encrypt:
                raise ConfigurationProblem(f"{name} needs client_encrypt", mend="set client_encrypt: true")

    def apply(self, layer: Layer) -> None:
        """Lay a layer over what is there.

        Raises:
            ConfigurationProblem: An unknown option, or a value that does not fit; the message says where.
        """
        for key, value in layer.values.items():
            origin = layer.origin(key)
            if key not in Options.model_fields:
                raise unknown_item(key, Options.model_fields, origin)
            self._set(key, layers.merged(key, self[key], value), origin, layer)
            for leaf in value if isinstance(value, dict) else ():
                self._origins.note(f"{key}.{leaf}", layer.origin(f"{key}.{leaf}"), self[key].get(leaf))

    def note_unsupported(self, variables: Sequence[str]) -> None:
        """Remember variables that nothing uses, for `verify_configuration`."""
        self._unsupported = tuple(variables)

    def _set(self, option: str, value: Any, origin: str, layer: Layer | None = None) -> None:
        if option not in Options.model_fields:
            raise unknown_item(option, Options.model_fields)
        try:
            setattr(self._options, option, copy.deepcopy(value))
        except ValidationError as exc:
            description = Options.model_fields[option].description
            wrong = exc.errors()[0]
            # Which key of the mapping, and the line that one stands on.
            leaf = wrong["loc"][1] if len(wrong["loc"]) > 1 else None
            key = f"{option}.{leaf}" if isinstance(value, dict) and leaf in value else option
            raise ConfigurationProblem(
                f"{layer.origin(key) if layer else origin}: wrong value for {key}",
                why=wrong["msg"],
                mend=f"{option} is: {description}",
            ) from exc
        self._origins.note(option, origin, self[option])


def load_params(files: str | Path | Sequence[str | Path], environ: Mapping[str, str], root: Path) -> SCTConfiguration:
    """Put a configuration together.

    Args:
        files: Configuration files in their order, relative to `root`; a text may be a list literal of several.
            With none, those that `SCT_CONFIG_FILES` names.
        environ: Environment variables; read, never changed.
        root: The project's root folder.

    Raises:
        ConfigurationProblem: A file or value is wrong; the message says where and what mends it.
        ConfigurationFileMissing: A file is not there.
    """
    names = environment.file_list(os.fspath(files)) if isinstance(files, (str, os.PathLike)) else list(files)
    named_by = THE_TEST if names else environment.CONFIG_FILES
    names = names or environment.config_files(environ)
    file_layers = [layers.read_file(layers.find_file(name, root, named_by), str(name)) for name in names]
    params = SCTConfiguration()
    for name in ("stress_images", "test_default"):
        params.apply(layers.default_layer(name))
    params.apply(layers.default_layer(_backend(file_layers, environ, params)))
    for layer in file_layers:
        params.apply(layer)
    params.apply(environment.environment_layer(environ, params.to_dict()))
    params.apply(derived.derived_layer(environ, root, params.to_dict()))
    unused = environment.unsupported(environ)
    params.note_unsupported([name for name in unused if not environment_variables.is_known(name)])
    return params


def _backend(file_layers: Sequence[Layer], environ: Mapping[str, str], params: SCTConfiguration) -> str:
    """Return the backend that the last layer to speak of it names: its defaults lie below all of them."""
    if named := environ.get("SCT_CLUSTER_BACKEND", "").strip():
        return named
    for layer in reversed(file_layers):
        if chosen := layer.values.get("cluster_backend"):
            return str(chosen)
    return str(params["cluster_backend"])
